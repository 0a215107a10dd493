"""A lab's cluster: control plane and nodes, from nothing to Ready and back to nothing."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kubernetes import client, config

from lab import cache, image_store, network, prepare
from lab.cgroups import Cgroup
from lab.control_plane import ControlPlane
from lab.errors import LabError
from lab.grounds import GROUNDS, TODAY, Ground
from lab.layout import Layout
from lab.looks import LOOKS, Look
from lab.node import Node
from lab.programs import Programs
from lab.progress import Report, Step, quietly
from lab.waiting import until


@dataclass(frozen=True)
class Shape:
    """What a lab consists of; `up` refuses to change the shape of a running lab unless it may recreate it."""

    distro: str = "k3s"
    nodes: int = 1
    reference_plugins: bool = True
    ground: str = TODAY.name

    def __post_init__(self) -> None:
        if self.ground not in GROUNDS:
            raise LabError(f"no ground is called {self.ground}: there are {', '.join(GROUNDS)}")

    @property
    def software(self) -> Ground:
        """What it stands on."""
        return GROUNDS[self.ground]

    def __str__(self) -> str:
        plugins = "" if self.reference_plugins else ", without macvlan and static"
        ground = "" if self.ground == TODAY.name else f", on the {self.ground} ground"
        return f"{self.distro} with {self.nodes} node{'s' if self.nodes > 1 else ''}{plugins}{ground}"


class Cluster:
    """A lab's cluster, by the lab's name, running or not."""

    def __init__(self, instance: str = "lab") -> None:
        self.layout = Layout(instance)
        self.instance = instance

    @classmethod
    def load(cls, instance: str = "lab") -> "Cluster":
        """Return the running cluster; raise LabError if it does not run."""
        cluster = cls(instance)
        if cluster.shape is None:
            raise LabError(f"the lab {instance!r} is not up: run `python -m lab up`")
        return cluster

    @property
    def state(self) -> Path:
        """The folder of everything that this lab keeps; `down` removes it."""
        return self.layout.state

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state / "kubeconfig"

    @property
    def ssh_key(self) -> Path:
        """The private key that opens every node."""
        return self.state / "ssh" / "id_ed25519"

    @property
    def api_server(self) -> str:
        """The API server's URL."""
        return self.layout.api_server

    @property
    def distro(self) -> str:
        """The name of the nodes' look."""
        return self._shape_there.distro

    @property
    def look(self) -> Look:
        """The nodes' look."""
        return LOOKS[self.distro]

    @property
    def nodes(self) -> list[Node]:
        """The nodes, in order."""
        return self._nodes(self._shape_there)

    @property
    def control_plane(self) -> ControlPlane:
        """The control plane."""
        return ControlPlane(self.layout)

    @property
    def shape(self) -> Shape | None:
        """The shape of the cluster that is up; None unless it has booted completely."""
        try:
            return Shape(**json.loads(self._record.read_text()))
        except FileNotFoundError:
            return None

    @property
    def api(self) -> client.ApiClient:
        """A client of the API server, as administrator."""
        made: client.ApiClient = config.new_client_from_config(str(self.kubeconfig))  # type: ignore[no-untyped-call]
        return made

    @property
    def ground(self) -> Ground:
        """What the lab stands on."""
        return self._shape_there.software

    @property
    def programs(self) -> Programs:
        """The programs that the lab runs."""
        return prepare.programs(self.ground)

    @property
    def helm(self) -> Path:
        """The Helm of its ground."""
        return prepare.helm(self.ground)

    def up(
        self,
        distro: str = "k3s",
        nodes: int = 1,
        *,
        reference_plugins: bool = True,
        ground: str = TODAY.name,
        recreate: bool = False,
        report: Report = quietly,
    ) -> None:
        """Start the lab in this shape, unless it runs already."""
        with self.alone():
            report(self.steps(Shape(distro, nodes, reference_plugins, ground), recreate=recreate))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the lab: no other program starts or stops it meanwhile."""
        folder = cache.root() / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / self.instance).open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LabError(f"another program is starting or stopping the lab {self.instance!r}") from error
            yield

    def steps(self, shape: Shape, *, recreate: bool = False) -> list[Step]:
        """Return the steps that start the lab in this shape, after those that build missing programs."""
        if shape.distro not in LOOKS:
            raise LabError(f"no look is called {shape.distro!r}: there are {', '.join(LOOKS)}")
        if not 1 <= shape.nodes <= 9:
            raise LabError("a lab has 1 to 9 nodes")
        there = self.shape
        alive = self.control_plane.running
        if there and there != shape and alive and not recreate:
            raise LabError(f"the lab {self.instance!r} runs as {there}; `python -m lab down` first, for {shape}")
        double = self._of_the_same_network()
        if double and not alive:
            raise LabError(f"the lab {self.instance!r} would have the addresses of {double!r}: take another name")
        nodes = self._nodes(shape)
        names = ", ".join(node.name for node in nodes)
        if there == shape and alive and not recreate:
            asleep = [node for node in nodes if not node.running]
            boots = [Step(f"booting {node.name}", node.reboot) for node in asleep]
            ready = [Step("waiting for every node to be Ready", self.await_ready)] if boots else []
            return [*prepare.steps(shape.software), *boots, *ready]
        return [
            *prepare.steps(shape.software),
            *([Step("removing what is left of an earlier lab", self._remove)] if self._leftover else []),
            Step("packing images", partial(_pack_images, shape)),
            Step("making keys and network", partial(self._prepare, nodes)),
            Step(f"starting the control plane, booting {names} ({shape.distro})", partial(self._start, shape)),
            Step("waiting for every node to be Ready", partial(self._complete, shape)),
        ]

    def down(self, report: Report = quietly) -> None:
        """Stop the lab and remove everything of it; do nothing where nothing is left."""
        with self.alone():
            report(self.down_steps())

    def down_steps(self) -> list[Step]:
        """Return the steps that remove the lab."""
        return [Step("stopping the lab", self._remove)]

    def await_ready(self) -> None:
        """Wait until every running node has reported Ready to the API server since its start."""
        self._await_ready([node for node in self.nodes if node.powered])

    def _nodes(self, shape: Shape) -> list[Node]:
        look = LOOKS[shape.distro]
        numbers = range(1, shape.nodes + 1)
        return [Node(self.layout, look, n, shape.nodes, shape.reference_plugins, shape.software) for n in numbers]

    @property
    def _shape_there(self) -> Shape:
        shape = self.shape
        if shape is None:
            raise LabError(f"the lab {self.instance!r} is not up: run `python -m lab up`")
        return shape

    def _of_the_same_network(self) -> str | None:
        """Another running lab with this one's addresses: a number of 250 is made from each name."""
        labs = [Cluster(record.parent.name) for record in self.state.parent.glob(f"*/{self._record.name}")]
        same = [lab for lab in labs if lab.instance != self.instance and lab.layout.subnet == self.layout.subnet]
        return next((lab.instance for lab in same if lab.control_plane.running), None)

    @property
    def _record(self) -> Path:
        return self.state / "cluster.json"

    @property
    def _leftover(self) -> bool:
        return self.state.exists() or bool(Cgroup(self.layout.cgroup).processes())

    def _prepare(self, nodes: list[Node]) -> None:
        self.state.mkdir(parents=True, exist_ok=True, mode=0o755)
        self.control_plane.make_keys()
        for node in nodes:
            node.identify(self.control_plane.authority)
        self.control_plane.make_network()

    def _start(self, shape: Shape) -> None:
        """All at once: nodes start their runtimes while the API server starts."""
        with ThreadPoolExecutor() as workers:
            server = workers.submit(
                self.control_plane.start, prepare.programs(shape.software), LOOKS[shape.distro].pod_security
            )
            started = [server, *(workers.submit(node.start, server.result) for node in self._nodes(shape))]
        for each in started:
            each.result()

    def _complete(self, shape: Shape) -> None:
        self._await_ready(self._nodes(shape))
        self._record.write_text(json.dumps(asdict(shape)))

    def _await_ready(self, nodes: list[Node]) -> None:
        until(lambda: self._ready(nodes), "every node is Ready", every=0.25)

    def _ready(self, nodes: list[Node]) -> bool:
        for node in nodes:
            node.check()
        wanted = {node.name: node.booted_at for node in nodes}
        with self.api as api:
            there: list[Any] = client.CoreV1Api(api).list_node().items
            accounts = client.CoreV1Api(api).list_namespaced_service_account("default").items
        ready = {
            node.metadata.name
            for node in there
            for condition in node.status.conditions or ()
            if condition.type == "Ready"
            and condition.status == "True"
            and condition.last_heartbeat_time.timestamp() >= wanted.get(node.metadata.name, float("inf"))
        }
        # A pod cannot be made before its namespace has the account.
        return ready >= set(wanted) and bool(accounts)

    def _remove(self) -> None:
        Cgroup(self.layout.cgroup).remove()
        network.unwire_machine(self.layout)
        shutil.rmtree(self.state, ignore_errors=True)
        if self.state.exists():
            raise LabError(f"{self.state} cannot be removed")
        if self.state.parent.is_dir() and not any(self.state.parent.iterdir()):
            self.state.parent.rmdir()


def _pack_images(shape: Shape) -> None:
    image_store.made(prepare.programs(shape.software))
