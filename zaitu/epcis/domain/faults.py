"""What can be wrong, in the standard's own names (EPCIS 2.0, §12.7): doors say them as `epcisException:<name>`.

EpcisFault
├── ValidationFault          a document or event that is none
├── QueryParameterFault      a parameter that is not known, or has no such value
├── QueryTooComplexFault     it would take too long, or asks what is not kept
├── QueryTooLargeFault       more events than the caller wants
├── CaptureLimitFault        a document with too much in it
├── NotAcceptableFault       another version, or another media type, is asked for
└── AlreadyThereFault        this eventID stands for another event
"""

from typing import ClassVar

from zaitu.kernel.errors import ZaituError


class EpcisFault(ZaituError):
    """Something the standard has a name for."""

    name: ClassVar[str] = "ImplementationException"
    """In the standard."""


class ValidationFault(EpcisFault):
    """This is no EPCIS 2.0 document or event."""

    code = "epcis_invalid"
    name = "ValidationException"


class QueryParameterFault(EpcisFault):
    """No such query parameter, or not with this value."""

    code = "epcis_query_parameter"
    name = "QueryParameterException"


class QueryTooComplexFault(EpcisFault):
    """This query takes too long; narrow it."""

    code = "epcis_query_too_complex"
    name = "QueryTooComplexException"


class QueryTooLargeFault(EpcisFault):
    """More events than asked for."""

    code = "epcis_query_too_large"
    name = "QueryTooLargeException"


class CaptureLimitFault(EpcisFault):
    """Too much in one document."""

    code = "epcis_capture_limit"
    name = "CaptureLimitExceededException"


class NotAcceptableFault(EpcisFault):
    """Not in this version, or not in this form."""

    code = "epcis_not_acceptable"
    name = "NotAcceptableException"


class AlreadyThereFault(EpcisFault):
    """This eventID stands for another event."""

    code = "epcis_event_exists"
    name = "ResourceAlreadyExistsException"
