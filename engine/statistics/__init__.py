"""Turn numbers into readings: is this a spike, a silence, a deploy that broke something?"""
