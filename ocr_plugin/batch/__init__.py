"""Archives of any size in, records out: nothing lost, nothing read twice.

`job.Job` runs, `sources` says what there is to read, `manifest` what is done, `records` holds what
was read. Needs the extra `batch`.
"""
