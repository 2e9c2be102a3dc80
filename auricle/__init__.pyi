"""What `import auricle` offers, for those who check types."""

from agent.run import Answer as Answer
from agent.run import Citation as Citation
from agent.run import Step as Step
from agent.run import ask as ask
from auricle.errors import AuricleError as AuricleError
from auricle.settings import Settings as Settings
from tools.threads import Watching as Watching
from tools.threads import in_thread as in_thread
from tools.toolbox import Toolbox as Toolbox

__version__: str
__all__: list[str]
