"""Numbers in, readings out: is this a spike, a silence, a deploy that broke something?"""
