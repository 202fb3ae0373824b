"""Problems, root causes, permanent fixes, their proof, and patch debt."""
