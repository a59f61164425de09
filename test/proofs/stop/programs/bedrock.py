# boto3 with its usual retries: Bedrock's Converse.
import sys

import boto3
from repeat import repeat

client = boto3.client("bedrock-runtime", region_name="us-east-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="example")
ASKED = {"modelId": "us.anthropic.claude-haiku-4-5-20251001-v1:0", "messages": [{"role": "user", "content": [{"text": "Count."}]}], "inferenceConfig": {"maxTokens": 50}}


def call():
    if sys.argv[1] != "stream":
        return client.converse(**ASKED)["output"]["message"]["content"][0]["text"]
    return "".join(event["contentBlockDelta"]["delta"]["text"] for event in client.converse_stream(**ASKED)["stream"] if "contentBlockDelta" in event)


repeat(call)
