"""Elastic's alerts under this name: see `kibana`."""

from dataclasses import replace

from mejora_intake.sources import kibana

KIND = replace(kibana.KIND, name="elastic", title="Elastic (as kibana)")
