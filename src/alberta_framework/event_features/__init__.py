"""Events as they come, objects of named fields, as rows of features."""

from .abstract import AbstractEventField as AbstractEventField
from .boolean import BooleanField as BooleanField
from .boolean import BooleanState as BooleanState
from .category import CategoryField as CategoryField
from .category import CategoryState as CategoryState
from .event_features import EventFeatures as EventFeatures
from .event_features import EventFeaturesState as EventFeaturesState
from .field_error import FieldError as FieldError
from .number import NumberField as NumberField
from .number import NumberState as NumberState
from .timestamp import TimestampField as TimestampField
from .timestamp import TimestampState as TimestampState
