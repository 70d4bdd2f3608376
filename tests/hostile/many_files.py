"""Write small files without end."""

i = 0
while True:
    i += 1
    open(f"f{i}", "wb").close()
