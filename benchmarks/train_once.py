"""``digitscope train --out FOLDER --json``, its answer as one line; for train_process.py."""

import contextlib
import io
import json
import sys

from digitscope.cli import main

answer = io.StringIO()
with contextlib.redirect_stdout(answer), contextlib.suppress(SystemExit):
    main(["train", "--data", "mnist", "--out", sys.argv[1], "--json"])
print(json.dumps(json.loads(answer.getvalue())))
