"""What a job reads: files, folders, archives, tables, object stores."""
