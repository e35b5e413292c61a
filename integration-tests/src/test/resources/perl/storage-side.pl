# One side of a comparison: calls functions of PVE::Storage, one for each line that it reads, such as
# ["vdisk_alloc","nas",100,"qcow2",null,4096], and answers with a line of JSON, {"result":...} or {"error":"..."}.

use v5.36;

use FindBin;
use lib $FindBin::Bin;

use JSON::PP;

use HostConfig;

# What programs of the host print is no answer.
open(my $answers, '>&', \*STDOUT) or die "cannot keep standard output: $!\n";
open(STDOUT, '>&', \*STDERR) or die "cannot print to standard error: $!\n";
$answers->autoflush(1);

my $cfg = HostConfig::read_from(\*STDIN);
require HostFunctions;

my $json = JSON::PP->new->canonical->allow_nonref->allow_blessed->allow_unknown;
my %IS_LIST = (volume_size_info => 1);
while (my $line = <STDIN>) {
    my ($name, @args) = $json->decode($line)->@*;
    my $function = HostFunctions::named($name);
    my $result =
        eval { $IS_LIST{$name} ? [[$function->($cfg, @args)]] : [scalar($function->($cfg, @args))] };
    my $err = $@;
    say $answers $json->encode($result ? { result => $result->[0] } : { error => "$err" });
}
