"""`python -m infra.rehearsal`: the package deployed into an emulator, a purchase through it, sub-sites by the hundred.

What runs is what `make package` makes: the template after the SAM transform, zips and layers, functions behind REST
APIs, queues and schedules, and sub-sites as stacks of their own. Only the edge is played, by a process that does what
infra/edge.yaml says: it knows hosts, proves itself by the origin secret and keeps callbacks apart.

deployed  the package made, adapted to what the emulator knows, and brought up as one stack
edge      hosts and paths of the public to the two APIs
first     the first data, as docs/deploy.md has it
story     from signing in to a code in the shopper's hand, and the books of it
schedules a day of them
trouble   stacks that fail halfway and an account that is full, as staff sees it
operator  the command `cardmesh`
sites     stacks of sub-sites created, updated and deleted; what is refused or fails
strict    the emulator, held to what AWS refuses; limits is what that is told
"""
