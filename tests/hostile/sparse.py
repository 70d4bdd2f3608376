"""Make a file that costs nothing here, and a terabyte where it is copied."""

with open("sparse", "wb") as file:
    file.truncate(1 << 40)
