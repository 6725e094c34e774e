"""Certificates for one test, made with the openssl command."""
import os
import shutil
import subprocess
import tempfile

import harness

OPENSSL = harness.need_program("openssl", "openssl")
PASSWORD = "store-secret"


class Authority:
    """A certificate authority in a directory, made with the openssl command."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="zooid-tls-")
        self.make("ca", "/CN=test authority", None)

    def path(self, name):
        return os.path.join(self.directory, name)

    def openssl(self, *arguments):
        subprocess.run([OPENSSL, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       cwd=self.directory)

    def make(self, name, subject, issuer="ca", hosts="IP:127.0.0.1,DNS:localhost", days=2):
        """NAME.key, NAME.crt and NAME.pem, which holds both. Negative `days`: it has expired that long ago."""
        with open(self.path("san.ext"), "w", encoding="ascii") as extensions:
            extensions.write("subjectAltName=%s\n" % hosts)
            extensions.write("basicConstraints=CA:%s\n" % ("TRUE" if issuer is None else "FALSE"))
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name + ".key")
        self.openssl("req", "-new", "-key", name + ".key", "-subj", subject, "-out", name + ".csr")
        signer = ["-signkey", name + ".key"]
        if issuer is not None:
            signer = ["-CA", issuer + ".crt", "-CAkey", issuer + ".key", "-CAcreateserial"]
        self.openssl("x509", "-req", "-in", name + ".csr", "-days", str(days), "-extfile", "san.ext", "-out", name + ".crt",
                     *signer)
        self.join(name)

    def join(self, name, target=None):
        """Key and certificate in one file, put in place at once, as a careful tool does it."""
        with open(self.path(name + ".new"), "w", encoding="ascii") as joined:
            for end in (".key", ".crt"):
                with open(self.path(name + end), encoding="ascii") as part:
                    joined.write(part.read())
        os.replace(self.path(name + ".new"), self.path((target or name) + ".pem"))

    def pkcs12(self, name):
        self.openssl("pkcs12", "-export", "-inkey", name + ".key", "-in", name + ".crt", "-name", name,
                     "-passout", "pass:" + PASSWORD, "-out", name + ".p12")

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)
