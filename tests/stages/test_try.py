import time
from daemon_parts import *
async def test_x(sandbox, clock, tmp_path):
    sandbox.populate(20)
    t=time.time()
    o = await run_once(settings_for(sandbox, tmp_path), clock)
    print(time.time()-t, clock.world, sandbox.counts(), {k:v.state for k,v in o.items()})
    assert 0
