"""How the project becomes a deployment: CloudFormation templates and what turns the code into functions."""
