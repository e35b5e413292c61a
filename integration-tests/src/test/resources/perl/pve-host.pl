# What a PVE host does with the storages of plugin files, through PVE::Storage's own functions, as a line of JSON for every
# step that it reads: ["vdisk_alloc","fast",100,"qcow2",null,4096]. The configuration comes as the first line:
# {"fast":{"type":"tenondir","path":"/srv/fast","content":{"images":1}}}. Files are the arguments.

use v5.36;

use File::Basename qw(basename);
use JSON::PP;

use PVE::Storage::Plugin;

# What programs of the host print is no answer.
open(my $answers, '>&', \*STDOUT) or die "cannot keep standard output: $!\n";
open(STDOUT, '>', '/dev/null') or die "cannot open /dev/null: $!\n";
$answers->autoflush(1);

my @files = @ARGV;
for my $file (@files) {
    my $class = 'PVE::Storage::Custom::' . basename($file, '.pm');
    require $file;
    $class->register;
}
require PVE::Storage;
PVE::Storage->import;

my $json = JSON::PP->new->canonical->allow_nonref->allow_blessed->allow_unknown;
my $ids = $json->decode(scalar(<STDIN>));
my $cfg = { ids => $ids, order => { map { $_ => 1 } keys $ids->%* } };
while (my $line = <STDIN>) {
    my ($function, @args) = $json->decode($line)->@*;
    my $code = PVE::Storage->can($function) or die "there is no function $function\n";
    my $result = eval { [scalar($code->($cfg, @args))] };
    my $err = $@;
    say $answers $json->encode($result ? { result => $result->[0] } : { error => "$err" });
}
