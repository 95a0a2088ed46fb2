"""Workers of a batch that are killed on purpose. Run as a script it runs such a batch.

python batch_killers.py workers|nodes|full SOURCE OUT
"""

import errno
import json
import os
import signal
import sys
from pathlib import Path

from digitscope.batch import engine, worker
from digitscope.batch.answers import Answerer

KILLER = b"kill the reading process"


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


class KilledByAnImage(Answerer):
    """Is killed by a picture, as by a fault of a decoder."""

    def __call__(self, chunk):
        if any(picture == KILLER for picture in chunk.images):
            kill()
        return super().__call__(chunk)


class Kills(engine.BatchWorker):
    """Is killed in the middle of the second part, the first time, and by a picture."""

    def do(self, part):
        killed = Path(self.job.out) / "_batch" / "killed"
        worker.Answerer = KilledByAnImage  # type: ignore[attr-defined]
        if part.index == 1 and not killed.exists():
            killed.touch()
            worker.Answerer = KilledAtOnce  # type: ignore[attr-defined]
        return super().do(part)


class DiskIsFull(engine.BatchWorker):
    """Finds no space for the second part."""

    def do(self, part):
        if part.index == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "part-000001.parquet")
        return super().do(part)


class KilledAtOnce(Answerer):
    """Is killed by anything."""

    def __call__(self, chunk):
        kill()


def on_two_nodes(source, out):
    """Run a batch on a cluster of two nodes on this machine; kill one of them on the way."""
    from ray.cluster_utils import Cluster

    from digitscope.batch.cluster import SETTINGS

    os.environ.update(SETTINGS)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes = [cluster.add_node(num_cpus=1)]
    cluster.wait_for_nodes()

    def lose(done, of):
        if nodes and done < of:
            cluster.remove_node(nodes.pop(), allow_graceful=False)

    summary = engine.run_batch(source, out, part_size=4, address=cluster.address, on_progress=lose)
    cluster.shutdown()
    assert not nodes
    return summary


def main(what, source, out):
    if what == "nodes":
        summary = on_two_nodes(source, out)
    else:
        engine.BatchWorker = {"workers": Kills, "full": DiskIsFull}[what]  # type: ignore[misc]
        summary = engine.run_batch(source, out, part_size=4, workers=2)
    print(json.dumps(summary.to_dict()))


if __name__ == "__main__":
    import batch_killers  # classes of the main module would be sent by value

    batch_killers.main(*sys.argv[1:])
