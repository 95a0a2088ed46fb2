"""The experiments of the lessons: settings, what is measured, and its facts and figures."""
