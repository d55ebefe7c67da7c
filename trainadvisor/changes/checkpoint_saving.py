"""Checkpoints that do not stop the training."""

import copy
import io
import threading
from typing import Any

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.declaration import change


@change(
    "async-checkpoint",
    zh="torch.save 先复制内容，再在后台线程中写盘；同时只写一份，torch.load 会等它写完。",
    limits="The copy takes memory; the checkpoint is on disk only after a while, at the latest when the script ends.",
    limits_zh="复制会占用内存；检查点稍后才落盘，最迟在脚本结束时完成。",
)
def async_checkpoint(application: ChangeApplication) -> None:
    """Copy what torch.save is given, and write it in a thread; torch.load waits for that."""
    from trainadvisor.instrument.running_events import running

    application.patient = True
    application.never = "torch.save was never called in training"
    writing: list[threading.Thread] = []

    def wait(*_: object) -> None:
        while writing:
            writing.pop().join()

    def around(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        named = dict(zip(("obj", "f"), args, strict=False)) | kwargs
        if len(args) > 2 or isinstance(named["f"], io.IOBase):
            return call(*args, **kwargs)
        wait()
        kept = copy.deepcopy(named["obj"])
        file = open(named["f"], "wb")  # noqa: SIM115, PTH123 - here, so that the script finds it; closed by the thread
        options = {key: value for key, value in named.items() if key not in ("obj", "f")}

        def write() -> None:
            running.events.add("save")  # calls from this thread are not the script's
            with file:
                call(kept, file, **options)

        writing.append(threading.Thread(target=write))
        writing[-1].start()
        application.done(f"torch.save({named['f']}) writes in a thread")
        return None

    def first_written(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        wait()
        return call(*args, **kwargs)

    application.around("save", around)
    application.around("load", first_written)
    application.when("end", wait)
