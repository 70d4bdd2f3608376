"""Submit a file that costs nothing here and a lot where it is read: a hole of 65 MiB."""

with open("submission.csv", "wb") as file:
    file.truncate((64 << 20) + 1)
