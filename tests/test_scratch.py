"""Temporary folders are made and swept by many processes at once."""

import threading
from pathlib import Path

from budgetmlagent.sandbox.process.scratch import scratch, sweep


def test_a_folder_that_is_swept_before_it_is_locked_is_made_again(tmp_path: Path) -> None:
    done = threading.Event()

    def others() -> None:
        while not done.is_set():
            sweep(tmp_path)

    sweepers = [threading.Thread(target=others) for _ in range(3)]
    for each in sweepers:
        each.start()
    try:
        for number in range(400):
            with scratch("work", tmp_path) as folder:
                (folder / "file").write_text(str(number))
                assert (folder / "file").read_text() == str(number)
    finally:
        done.set()
        for each in sweepers:
            each.join()
    assert not list(tmp_path.iterdir())
