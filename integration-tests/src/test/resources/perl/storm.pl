# Makes calls of every kind, as many as it is told, and prints what was made and what failed: "made NAME", or "failed",
# the error's name, its outcome and its text. Arguments: the storage's directory, a name, how many calls.

use v5.36;

use Tenon::Client;

my ($path, $name, $calls) = @ARGV;
my $scfg = { type => 'family', path => $path, content => { images => 1 } };
my $client = Tenon::Client->new;
$| = 1;

sub size ($volume) {
    my @size = $client->call('family', 'volume_size_info', $scfg, 'nas', $volume, undef);
    return $size[0];
}

my @kinds = (
    sub ($turn) {
        size("make-$name$turn");
        say "made $name$turn";
    },
    sub ($turn) { size('pid') },
    sub ($turn) { my @status = $client->call('family', 'status', 'nas', $scfg, {}) },
    sub ($turn) { size('remember') },
);

for my $turn (1 .. $calls) {
    next if eval { $kinds[$turn % @kinds]->($turn); 1 };
    my $err = $@;
    say ref($err)
        ? join(' ', 'failed', $err->name, $err->outcome, $err->message =~ s/\s+/ /gr)
        : "failed otherwise: $err";
}
say 'end';
