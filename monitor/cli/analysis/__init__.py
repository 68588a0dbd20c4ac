"""The analyst's verbs: levels, stress and risk of whole markets, and what history holds."""
