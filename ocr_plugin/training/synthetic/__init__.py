"""Words that nobody photographed: drawn from fonts, set into scenes, seen through bad cameras."""
