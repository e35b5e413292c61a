use v5.36;

use File::Temp qw(tempdir);
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/lib";

use Tenon::Frame;
use Tenon::Test::Peer;

my $dir = tempdir(CLEANUP => 1);

# Starts a sidecar for a plugin of this source; what it said in its hello, and its exit status.
sub hello_of ($name, $source) {
    my $file = "$dir/$name.pm";
    open(my $fh, '>:raw', $file) or die "cannot write '$file': $!\n";
    print {$fh} $source;
    close($fh) or die "cannot write '$file': $!\n";

    my $peer = Tenon::Test::Peer->start(
        sub ($conn) {
            my $raw;
            $conn->read_frame(\$raw);
            $conn->note(unpack('H*', $raw));
            $conn->write_frame(1, { protocols => [1], role => 'host' });
            $conn->write_frame(9, 'DONE', '');
            $conn->until_end;
        });
    pipe(my $lifeline, my $held) or die "pipe: $!\n";
    my $pid = fork() // die "fork: $!\n";
    if (!$pid) {
        close($held);
        open(STDIN, '<&', $lifeline) or die "cannot redirect: $!\n";
        exec($^X, "$FindBin::Bin/../bin/tenon-sidecar", '--socket', $peer->path, '--plugin', $file)
            or die "cannot run the sidecar: $!\n";
    }
    close($lifeline);
    waitpid($pid, 0);
    my ($status, @notes) = ($?, $peer->finish);
    return (Tenon::Frame::decode(pack('H*', $notes[0] // '')), $status, @notes[1 .. $#notes]);
}

subtest 'a plugin tells what it is' => sub {
    my ($hello, $status, @more) = hello_of('Good', <<~'PLUGIN');
        package PVE::Storage::Custom::Good;
        use base qw(PVE::Storage::Plugin);
        sub api { return 11 }
        sub type { return 'good' }
        sub status { return (1, 1, 0, 1) }
        1;
        PLUGIN
    is($status, 0, 'the process ends well after a close');
    is_deeply(\@more, [], 'the peer saw what it expected');
    my $facts = $hello->[1];
    is($facts->{role}, 'sidecar', 'its role');
    my $plugin = $facts->{plugin};
    my $pve = $ENV{TENON_PVE_LIB} ? "$ENV{TENON_PVE_LIB}/PVE/Storage/Plugin.pm" : 'compat';
    is(
        join(' ', $plugin->@{qw(package type level pve)}),
        "PVE::Storage::Custom::Good good 11 $pve",
        'package, type, level and whose PVE',
    );
    is_deeply([sort $plugin->{overrides}->@*], [qw(api status type)], 'what it implements itself');
};

subtest 'why a plugin cannot be hosted crosses, whatever bytes are in it' => sub {
    my %complaints = (
        Bytes =>
            ["package Bytes; die qq(caf\xe9 is closed\\n); 1;\n", qr/compile: caf\? is closed\z/],
        Octets => [
            "package Octets; die qq(caf\xc3\xa9 is closed\\n); 1;\n",
            qr/compile: caf\xc3\xa9 is closed\z/
        ],
        Wide => ["package Wide; die qq(\\x{263a}\\n); 1;\n", qr/compile: \xe2\x98\xba\z/],
        Nothing => ["1;\n", qr/declares no package\z/],
    );
    for my $name (sort keys %complaints) {
        my ($source, $pattern) = $complaints{$name}->@*;
        my ($hello, $status, @more) = hello_of($name, $source);
        my $rejected = $hello->[1]->{rejected};
        like($rejected, $pattern, "$name: the complaint");
        ok(Tenon::Frame::is_utf8($rejected), "$name: it may cross");
        is($hello->[1]->{plugin}, undef, "$name: there is no plugin");
        is($status, 0, "$name: the process ends well after a close");
        is_deeply(\@more, [], "$name: the peer saw what it expected");
    }
};

done_testing();
