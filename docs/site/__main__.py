"""`python docs/site FOLDER` writes the sources of the site; `--check FOLDER` looks at what was built from them."""

import sys
from pathlib import Path

from built import foreign
from stage import DocsError, write

if __name__ == "__main__":
    try:
        if sys.argv[1] == "--check":
            foreign(Path(sys.argv[2]))
        else:
            write(Path(sys.argv[1]))
    except DocsError as error:
        sys.exit(f"docs: {error}")
