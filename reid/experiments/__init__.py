"""The papers' experiments: one module each, with a function ``run`` that trains, measures, draws, reports."""
