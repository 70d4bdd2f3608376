"""Fill the shared memory."""

with open("/dev/shm/big", "wb") as file:
    while True:
        file.write(b"x" * (1 << 20))
