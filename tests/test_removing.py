"""Removing a folder that somebody may still write to: no link in it is followed, whenever it is put there."""

import multiprocessing
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from budgetmlagent.sandbox.process.scratch import PREFIX, scratch, sweep
from budgetmlagent.sandbox.workspace import remove

FOLDERS = 400


def swap(top: Path, victim: Path) -> None:
    """Once the removal has begun, make each folder a link."""
    begun = len(os.listdir(top))
    (top.parent / "ready").touch()
    with suppress(FileNotFoundError):
        while len(os.listdir(top)) >= begun:
            pass
    for number in range(FOLDERS):
        with suppress(OSError):
            (top / f"z{number}").rmdir()
            (top / f"z{number}").symlink_to(victim)


def test_a_folder_that_becomes_a_link_while_it_is_removed_leads_nowhere(tmp_path: Path) -> None:
    top, victim = tmp_path / "top", tmp_path / "victim"
    (victim / "inner").mkdir(parents=True)
    (victim / "file").touch()
    top.mkdir()
    for number in range(2 * FOLDERS):
        (top / f"f{number}").touch()
    for number in range(FOLDERS):
        (top / f"z{number}").mkdir()
    other = multiprocessing.get_context("fork").Process(target=swap, args=(top, victim))
    other.start()
    while not (tmp_path / "ready").exists():
        time.sleep(0.01)
    remove(top)
    other.join()
    assert sorted(path.name for path in victim.iterdir()) == ["file", "inner"]


def test_what_is_locked_or_deep_is_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    place = top / "a" / "b"
    place.mkdir(parents=True)
    (place / "file").touch()
    for folder in (place, place.parent):
        folder.chmod(0)
    here = os.getcwd()
    os.chdir(top)
    try:
        for _ in range(1_100):  # more than Python may call itself, and a longer path than the kernel takes
            os.mkdir("deeper")
            os.chdir("deeper")
    finally:
        os.chdir(here)
    remove(top)
    assert not top.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a folder of another user, which root alone can make")
def test_another_users_temporary_folder_is_left_to_him(tmp_path: Path) -> None:
    his, ours = tmp_path / f"{PREFIX}his", tmp_path / f"{PREFIX}ours"
    for folder in (his, ours):
        (folder / "inner").mkdir(parents=True)
    os.chown(his, 61234, 61234)
    sweep(tmp_path)
    assert (his / "inner").is_dir() and not ours.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs folders of another user, which root alone can make")
def test_many_folders_of_others_do_not_keep_anybody_waiting(tmp_path: Path) -> None:
    for number in range(400):
        folder = tmp_path / f"{PREFIX}{number}"
        folder.mkdir()
        os.chown(folder, 61234, 61234)
    began = time.process_time()
    with scratch("x", tmp_path):
        pass
    assert time.process_time() - began < 0.5
