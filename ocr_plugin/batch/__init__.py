"""Batch jobs: archives of any size in, records out; every page is read once.

`job.Job` runs a job, `inputs` lists what there is to read, `records` stores what was read. Needs
the extra `batch`.
"""
