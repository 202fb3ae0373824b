"""The rules of diagnosis: pure functions and the types that they take and return.

- `catalogue`, `reach`: what stands on what
- `documents`: reading and writing catalogue documents
- `signature`: what makes two incidents the same fault
- `cascade`: where a failure began
- `scope`, `priority`, `channel`, `questions`: the other answers
- `evidence`: what the answers rest on
- `diagnose`: all answers put together, and revised
- `workarounds`: the life of a workaround
"""
