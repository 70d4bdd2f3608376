"""Take memory without end."""

held = []
while True:
    held.append(bytearray(4 << 20))
