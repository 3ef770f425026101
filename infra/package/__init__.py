"""`python -m infra.package --out build/`: a zip for each function and one CloudFormation template of everything.

Chalice zips the code and names the functions; main.yaml names the shared resources. What Chalice cannot say
is added here: partial batch answers, the REST API split by audience, 404s, a role for each function, alarms.

build     Chalice at work in a clean copy of the project; a zip for each function, and one for each layer
target    the Python and the processor that a package is for
libraries the locked packages for a target, and who needs whom
contents  the modules and files that a function consists of
layers    what functions load beside their zips
zips      bytecode and zips that are the same for the same source
template  the pieces put together
rest      the REST API, split into one function per face and an API of its own for payment callbacks
refusals  what API Gateway itself says, to browsers and to programmes
roles     policies/*.json as CloudFormation
alarms    log groups and everything that calls a person
channels  what calls a person when a channel fails or nobody pays through it
"""
