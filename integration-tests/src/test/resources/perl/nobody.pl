# Becomes nobody, then calls.

use v5.36;

use POSIX ();

use Tenon::Api;
use Tenon::Client;
use Tenon::Error;

# What is read from files, while it may be read.
Tenon::Error::code_of('INTERNAL');
my $client = Tenon::Client->new;

$) = '65534 65534';
POSIX::setgid(65534) or die "setgid: $!\n";
POSIX::setuid(65534) or die "setuid: $!\n";

eval { $client->call('dir', 'type'); 1 } and die "nobody was let in\n";
my $err = $@;
die $err if !ref($err);
print $err->name, ' ', $err->outcome, ': ', $err;
