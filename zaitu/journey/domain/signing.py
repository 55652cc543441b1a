"""Who may take the goods, in what capacity."""

from enum import StrEnum
from typing import Final

from zaitu.journey.domain.statuses import Detail


class SignerRelation(StrEnum):
    CONSIGNEE = "consignee"
    ON_BEHALF = "on_behalf"
    CONTACTLESS = "contactless"


RELATION_TEXTS: Final[dict[SignerRelation, tuple[str, str]]] = {
    SignerRelation.CONSIGNEE: ("本人签收", "Consignee"),
    SignerRelation.ON_BEHALF: ("他人代收", "On behalf"),
    SignerRelation.CONTACTLESS: ("无接触送达", "Contactless"),
}
"""Relation → (Chinese, English)."""

_ALIASES: Final[dict[str, SignerRelation]] = {
    "": SignerRelation.CONSIGNEE,
    "self": SignerRelation.CONSIGNEE,
    "本人": SignerRelation.CONSIGNEE,
    "代收": SignerRelation.ON_BEHALF,
    "behalf": SignerRelation.ON_BEHALF,
    **{relation.value: relation for relation in SignerRelation},
}


def relation_of(said: str) -> SignerRelation | None:
    """None for a word that is no relation."""
    return _ALIASES.get(said.strip().lower())


def detail_of(relation: SignerRelation, remarks: str) -> Detail:
    """How the status says it; a remark matters more than that the consignee signed in person."""
    if relation is SignerRelation.CONSIGNEE:
        return Detail.WITH_REMARKS if remarks else Detail.CONSIGNEE
    return Detail(relation.value)


def proof_missing(relation: SignerRelation, signer: str, *, signature: bool, photos: int) -> str:
    """What a signature still lacks, as a sentence for the courier; empty: nothing. The phone asks for the same before it sends."""
    if relation is SignerRelation.CONTACTLESS:
        return "" if photos else "无接触送达请拍一张照片"
    if not signer:
        return "请填写签收人姓名"
    return "" if signature or photos else "请签名，或拍一张照片作为凭证"
