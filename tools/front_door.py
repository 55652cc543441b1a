"""import-linter contract: another room's insides are nobody's business."""

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class FrontDoorContract(Contract):
    """Modules outside a room import only its doors (`public`, `events`)."""

    rooms = fields.ListField(subfield=fields.StringField())
    doors = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001  importlinter's signature
        broken = []
        for room in self.rooms:  # type: ignore[attr-defined]  # fields become lists on instances
            inside = f"zaitu.{room}"
            allowed = {f"{inside}.{door}" for door in self.doors}  # type: ignore[attr-defined]  # as above
            for module in graph.modules:
                if not module.startswith(f"{inside}.") or module in allowed:
                    continue
                broken += [
                    (importer, module)
                    for importer in graph.find_modules_that_directly_import(module)
                    if importer != inside and not importer.startswith(f"{inside}.")
                ]
        return ContractCheck(kept=not broken, metadata={"broken": sorted(broken)})

    def render_broken_contract(self, check: Any) -> None:
        for importer, imported in check.metadata["broken"]:
            output.print_error(f"{importer} imports {imported}")
