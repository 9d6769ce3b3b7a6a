#!/usr/bin/env python3
"""Deploys the packages of `make package` to an AWS account, with the SAM CLI and samconfig.toml.

  deploy.py check  STAGE ARCH           check that it can be deployed; print account, region, parameters,
                                        and what the endpoints would change at HeyGen
  deploy.py deploy STAGE ARCH [--yes]   deploy

Run by `make deploy`, with the SAM CLI's Python, and with the SAM CLI itself in the variable SAM.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tomllib

import boto3
import botocore.config
import botocore.exceptions

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARCHITECTURES = ("arm64", "x86_64")
# samconfig.toml reads it. YAML, of which JSON is a part.
PARAMETERS = ROOT / "target/deploy/parameters.yaml"
# The content for EndpointsParameter: endpoints.json without white space.
CONTENT = ROOT / "target/deploy/endpoints.json"
# The longest EndpointsJson, and values of parameters of Systems Manager.
LONGEST, STANDARD, ADVANCED = 3_000, 4_096, 8_192


def main():
    action, stage, arch, *rest = sys.argv[1:]
    config = stages().get(stage)
    if config is None:
        sys.exit(f"deploy: STAGE is missing: make deploy {' or '.join(f'STAGE={name}' for name in stages())}")
    if arch not in ARCHITECTURES:
        sys.exit(f"deploy: unknown ARCH={arch} (known: {', '.join(ARCHITECTURES)})")
    sam = os.environ.get("SAM", "sam")
    if shutil.which(sam) is None:
        sys.exit(f"deploy: there is no SAM CLI at {sam}. Leave out SAM=, and make installs one")
    # Python's SDK reads only one of the two names.
    if "AWS_REGION" in os.environ:
        os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"]
    session = boto3.Session()
    account = who(session)
    names, document = endpoints()
    chosen = dict(setting.split("=", 1) for setting in config["parameter_overrides"][1:])
    parameter = chosen.get("EndpointsParameter")
    if not parameter and len(document) > LONGEST:
        name = f"/{config['stack_name']}/endpoints"
        sys.exit(f"deploy: endpoints.json has {len(document)} characters, and EndpointsJson may have {LONGEST}. Store it in Systems Manager instead:\n"
                 f"    {put_parameter(name)}\n"
                 f'and add "EndpointsParameter={name}" to the parameter_overrides of {stage} in samconfig.toml')
    if action == "check":
        print(f"Deploying {config['stack_name']} ({stage}, {arch}) to account {account}, {session.region_name}")
        print(f"  endpoints   {names or 'none'}")
        for setting in chosen.items():
            print("  {:27} {}".format(*setting))
        check_concurrency(session, chosen)
        show_plan(session, config["stack_name"])
        if parameter:
            print(f"deploy: this does not change {parameter}. Its value is applied by this deployment and by each sync. To store endpoints.json in it:\n"
                  f"    {put_parameter(parameter)}")
        return
    PARAMETERS.parent.mkdir(parents=True, exist_ok=True)
    parameters = {"Endpoints": names, "EndpointsJson": "" if parameter else document, "Architecture": arch, "Release": release(arch)}
    PARAMETERS.write_text(json.dumps(parameters, indent=2) + "\n")
    # The SAM CLI would look for samconfig.toml beside the template.
    command = [sam, "deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", stage]
    command += ["--template-file", f"target/package/{arch}/template.yaml"]
    command += ["--no-confirm-changeset"] if "--yes" in rest else []
    print("   ", " ".join(command), flush=True)
    sys.exit(subprocess.run(command, cwd=ROOT).returncode)


def release(arch):
    """A digest of the packages: the same code is the same release."""
    packages = sorted((ROOT / "target/package" / arch).glob("*.zip"))
    return hashlib.sha256(b"".join(package.read_bytes() for package in packages)).hexdigest()[:12]


def stages():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    return {name: stage["deploy"]["parameters"] for name, stage in config.items() if isinstance(stage, dict)}


def who(session):
    """The account id."""
    if session.region_name is None:
        sys.exit("deploy: no region is set. Set AWS_REGION, or one in your profile")
    try:
        return session.client("sts").get_caller_identity()["Account"]
    except (botocore.exceptions.NoCredentialsError, botocore.exceptions.PartialCredentialsError):
        sys.exit("deploy: there are no AWS credentials. Set AWS_PROFILE, or log in with `aws login` or `aws sso login`")
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        sys.exit(f"deploy: AWS rejects your credentials: {error}")


def check_concurrency(session, parameters):
    """Lambda keeps 100 executions unreserved, and would reject the reservation in the middle of the deployment."""
    reserved = int(parameters.get("ReceiverConcurrency", 0))
    if not reserved:
        return
    try:
        quota = session.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    except botocore.exceptions.ClientError as error:
        print(f"deploy: the quota of concurrent executions was not checked: {error}")
        return
    if quota < 100 + reserved:
        sys.exit(f"deploy: {reserved} of the account's {quota} concurrent executions cannot be reserved. Raise the quota, or remove "
                 "ReceiverConcurrency from samconfig.toml")


def show_plan(session, stack_name):
    """What endpoints.json would change at HeyGen, if the stack exists. A plan that fails does not prevent a deployment."""
    try:
        (stack,) = session.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        if "does not exist" not in str(error):
            print(f"deploy: what would change at HeyGen is not known: {error}")
        return
    function = next((each["OutputValue"] for each in stack.get("Outputs", []) if each["OutputKey"] == "AdminFunction"), None)
    if function is None:
        return
    request = {"action": "plan", "endpoints": json.loads((ROOT / "endpoints.json").read_text())["endpoints"]}
    # A plan may wait for HeyGen for longer than the SDK's 60 s; a second attempt would start it again.
    patient = botocore.config.Config(read_timeout=310, retries={"total_max_attempts": 1})
    try:
        response = session.client("lambda", config=patient).invoke(FunctionName=function, Payload=json.dumps(request))
        reply = json.load(response["Payload"])
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        print(f"deploy: what would change at HeyGen is not known: {error}")
        return
    if "text" in reply:
        print(reply["text"])
    else:
        print(f"deploy: what would change at HeyGen is not known: {reply.get('errorMessage')}")


def put_parameter(name):
    """The command that stores endpoints.json in this parameter."""
    content = json.dumps(desired(), separators=(",", ":"))
    if len(content) > ADVANCED:
        sys.exit(f"deploy: endpoints.json has {len(content)} characters, and a parameter of Systems Manager may have {ADVANCED}")
    CONTENT.parent.mkdir(parents=True, exist_ok=True)
    CONTENT.write_text(content)
    tier = " --tier Advanced" if len(content) > STANDARD else ""
    return f"aws ssm put-parameter --name {name} --type String{tier} --overwrite --value file://{CONTENT.relative_to(ROOT)}"


def desired():
    """What endpoints.json says."""
    file = json.loads((ROOT / "endpoints.json").read_text())
    file.pop("$schema", None)
    return file


def endpoints():
    """The names, and the file's content as a parameter value that survives the SAM CLI's unquoting."""
    document = json.dumps(desired(), separators=(",", ":")).replace("\\\\", "\\u005c").replace('\\"', "\\u0022")
    return ",".join(endpoint["name"] for endpoint in desired()["endpoints"]), document


if __name__ == "__main__":
    main()
