"""The rules of problems, permanent fixes, their proof and patch debt: values in, values out."""
