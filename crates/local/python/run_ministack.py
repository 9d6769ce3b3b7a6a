"""MiniStack, with three deviations from AWS taken out.

The answer to HeyGen's probe: an HTTP API without a CORS configuration hands OPTIONS to its routes,
as any method. MiniStack answers it 403 by itself.

The pipe from the table's stream to the event bus: see ministack_pipes.py.

Saved queries of CloudWatch Logs: MiniStack has none, and refuses a template with one. Here they are names.

requirements.txt pins the version; a MiniStack whose code reads otherwise does not start.
"""

import inspect

from ministack.app import main
from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

import ministack_pipes

ANSWERS_ALWAYS = '    if method == "OPTIONS":\n'
ANSWERS_IF_CONFIGURED = '    if method == "OPTIONS" and cors_cfg:\n'

source = inspect.getsource(apigateway._handle_execute_in_scope)
if source.count(ANSWERS_ALWAYS) != 1:
    raise SystemExit("this MiniStack answers OPTIONS in another way: see whether crates/local/python/run_ministack.py is still needed")
exec(source.replace(ANSWERS_ALWAYS, ANSWERS_IF_CONFIGURED), vars(apigateway))

ministack_pipes.install()

SAVED_QUERY = "AWS::Logs::QueryDefinition"
if SAVED_QUERY in provisioners._RESOURCE_HANDLERS:
    raise SystemExit("this MiniStack has saved queries: take them out of crates/local/python/run_ministack.py")
provisioners._RESOURCE_HANDLERS[SAVED_QUERY] = {
    "create": lambda logical_id, properties, stack: (logical_id, {}),
    "update": lambda physical_id, old, new, stack: (physical_id, {}),
    "delete": lambda physical_id, properties: None,
}

main()
