"""The page of a run: the funnel, histograms of scores, clips with what became of them."""
