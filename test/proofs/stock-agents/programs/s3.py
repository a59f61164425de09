# What an agent does with a bucket: writes, lists, reads, uploads a file in parts, deletes.
import os

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

BUCKET = "weir-proof-bucket"
s3 = boto3.client("s3", region_name="eu-central-1", config=Config(retries={"max_attempts": 1, "mode": "standard"}))
s3.put_object(Bucket=BUCKET, Key="notes/a first note.txt", Body=b"written through the boundary", Metadata={"made-by": "agent"})
keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="notes/")["Contents"]]
text = s3.get_object(Bucket=BUCKET, Key="notes/a first note.txt")["Body"].read().decode()
with open("large.bin", "wb") as file:
    file.write(os.urandom(6 << 20))
s3.upload_file("large.bin", BUCKET, "large/über+tilde~.bin", Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20, max_concurrency=2))
size = s3.head_object(Bucket=BUCKET, Key="large/über+tilde~.bin")["ContentLength"]
s3.delete_object(Bucket=BUCKET, Key="notes/a first note.txt")
print("s3:", keys, text, size)
