"""`python -m infra.package --out build/`: one zip and one CloudFormation template of everything.

Chalice zips the code and names the functions; main.yaml names the shared resources. What Chalice cannot say
is added here: partial batch answers, the REST API split by audience, 404s, a role for each function, alarms.

build     Chalice at work in a clean copy of the project; a zip that is the same for the same source
template  the pieces put together
rest      the REST API, split into one function per face and an API of its own for payment callbacks
roles     policies/*.json as CloudFormation
alarms    log groups and everything that calls a person
channels  what calls a person when a channel fails or nobody pays through it
"""
