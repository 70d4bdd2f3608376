"""The notebook's widget in a real kernel, spoken to as JupyterLab speaks to it: while a cell runs, too."""

import time

import pytest
import tiny
from fault_server import FaultServer

LONG = 60  # seconds that a busy machine may take

SHOWN = """\
from budgetmlagent import studio
made = studio.view({run!r}, {runs!r})
print('comm', made.comm.comm_id)
"""
# It runs until the page was answered; meanwhile a run changes, of which the page is told.
BUSY = """\
import pathlib, time
while not pathlib.Path({ended!r}).exists():
    (pathlib.Path({run!r}) / 'run.json').touch()
    time.sleep(0.1)
"""


class Page:
    """What JupyterLab does for a widget: its messages go to a subshell of the kernel."""

    def __init__(self, client):
        self.client = client
        message = client.session.msg("create_subshell_request", {})
        client.control_channel.send(message)
        self.subshell = client.get_control_msg(timeout=LONG)["content"]["subshell_id"]

    def cell(self, code):
        return self.client.execute(code)

    def hears(self, holds):
        """Return the first message for which something holds."""
        end = time.monotonic() + LONG
        while True:
            assert time.monotonic() < end, "it was not answered while the cell ran"
            message = self.client.get_iopub_msg(timeout=LONG)
            assert message["msg_type"] != "error", message["content"]
            if found := holds(message["msg_type"], message["content"], message["parent_header"]):
                return found

    def ends(self, cell):
        self.hears(
            lambda kind, content, parent: (
                kind == "status" and content["execution_state"] == "idle" and parent.get("msg_id") == cell
            )
        )

    def asks(self, comm, number, name, **asked):
        content = {"id": number, "name": name, "asked": asked}
        data = {"comm_id": comm, "data": {"method": "custom", "content": content}}
        message = self.client.session.msg("comm_msg", data)
        message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)
        return self.hears(lambda kind, content, _: kind == "comm_msg" and self._reply(content, number))

    @staticmethod
    def _reply(content, number):
        told = content["data"].get("content", {})
        return told if told.get("id") == number else None


@pytest.mark.soak
def test_a_widget_that_is_shown_is_answered_while_a_cell_runs(tmp_path):
    from jupyter_client.manager import start_new_kernel

    with FaultServer(respond=tiny.team) as server:
        run = tiny.session(tmp_path, server.url, turns=1)
        run.run()
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    try:
        page = Page(client)
        shown = page.cell(SHOWN.format(run=run.run_id, runs=str(tmp_path / "runs")))
        line = page.hears(
            lambda kind, content, _: kind == "stream" and content["name"] == "stdout" and content["text"]
        )
        comm = line.split()[1]
        page.ends(shown)
        assert page.asks(comm, 1, "run", run=run.run_id)["status"] == 200
        ended = tmp_path / "ended"
        busy = page.cell(BUSY.format(ended=str(ended), run=str(run.folder.root)))
        for number in range(2, 6):
            page.hears(
                lambda kind, content, _: (
                    kind == "comm_msg" and content["data"].get("content", {}).get("changed")
                )
            )
            assert page.asks(comm, number, "run", run=run.run_id)["reply"]["row"]["run_id"] == run.run_id
        ended.touch()
        page.ends(busy)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
