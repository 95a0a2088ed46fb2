"""Workers of a batch that are killed on purpose. Run as a script it runs such a batch.

python batch_killers.py image|worker|node|two-nodes|full SOURCE OUT
"""

import errno
import json
import os
import signal
import sys
from pathlib import Path

from digitscope.batch import engine, worker
from digitscope.batch.answers import Answerer

KILLER = b"kill whoever reads this"


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


class KilledByAnImage(Answerer):
    """Is killed by a picture, as by a fault of a decoder."""

    def __call__(self, chunk):
        if any(picture == KILLER for picture in chunk.images):
            kill()
        return super().__call__(chunk)


class ImageKills(engine.Worker):
    """Has answers that a picture may kill."""

    def __call__(self, row):
        worker.Answerer = KilledByAnImage
        return super().__call__(row)


class KilledOnce(engine.Worker):
    """Is killed in the middle of the second part, the first time."""

    def __call__(self, row):
        killed = Path(self.job.out) / "_batch" / "killed"
        if row["index"] == 1 and not killed.exists():
            killed.touch()
            worker.Answerer = KilledAtOnce
        else:
            worker.Answerer = Answerer
        return super().__call__(row)


class DiskIsFull(engine.Worker):
    """Finds no space for the second part."""

    def __call__(self, row):
        if row["index"] == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "part-000001.parquet")
        return super().__call__(row)


class KilledAtOnce(Answerer):
    """Is killed by anything."""

    def __call__(self, chunk):
        kill()


def on_two_nodes(source, out, *, lose_one):
    """Run a batch on a cluster of two nodes on this machine; kill one of them on the way."""
    from ray.cluster_utils import Cluster

    from digitscope.batch.cluster import SETTINGS

    os.environ.update(SETTINGS)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    lost = []

    def lose(done, of):
        if lose_one and not lost and done < of:
            lost.append(node)
            cluster.remove_node(node, allow_graceful=False)

    summary = engine.run_batch(source, out, part_size=4, address=cluster.address, on_progress=lose)
    cluster.shutdown()
    assert len(lost) == lose_one
    return summary


def main(what, source, out):
    if what in ("two-nodes", "node"):
        summary = on_two_nodes(source, out, lose_one=what == "node")
    else:
        engine.Worker = {"image": ImageKills, "worker": KilledOnce, "full": DiskIsFull}[what]
        summary = engine.run_batch(source, out, part_size=4, workers=2)
    print(json.dumps(summary.to_dict()))


if __name__ == "__main__":
    import batch_killers  # classes of the main module would be sent by value

    batch_killers.main(*sys.argv[1:])
