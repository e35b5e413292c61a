# Makes so many calls of storage "nas" of type "counting", every fourth of them a change. The first caller makes the file "fail"
# when half of its calls are made. Prints what failed, and what was made. Arguments: the storage's directory, a name, how many
# calls, whether it is the first.

use v5.36;

use Tenon::Client;

my ($path, $name, $calls, $is_first) = @ARGV;
my $scfg = { type => 'counting', path => $path, content => { images => 1 } };
my $client = Tenon::Client->new;
$| = 1;

sub one_call ($turn) {
    if ($turn % 4 == 0) {
        my $made = $client->call('counting', 'alloc_image', 'nas', $scfg, 100, 'raw',
            "vm-100-$name-$turn", 1024);
        say "made $made";
        return;
    }
    my @size =
        $client->call('counting', 'volume_size_info', $scfg, 'nas', "vm-100-$name-$turn", undef);
    die "no size\n" if !$size[0];
    return;
}

for my $turn (1 .. $calls) {
    if ($is_first && $turn == int($calls / 2)) {
        open(my $fh, '>', "$path/fail") or die "fail: $!\n";
        close($fh);
    }
    next if eval { one_call($turn); 1 };
    my $err = $@;
    say join(' ',
        'failed', $turn % 4 ? 'read' : 'change',
        "vm-100-$name-$turn", ref($err) ? $err->outcome : $err);
}
