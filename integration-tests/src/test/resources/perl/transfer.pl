# Moves one volume through a proxy class, as pvesm does: exports it to standard output or to a socket that it connects to,
# or imports one from standard input and prints the id that it got.
#
#   transfer.pl export PLUGIN STOREID PATH VOLNAME FORMAT [SOCKET]
#   transfer.pl import PLUGIN STOREID PATH VOLNAME FORMAT [ALLOW_RENAME]

use v5.36;

use Socket qw(AF_UNIX PF_UNIX SOCK_STREAM pack_sockaddr_un);

use PVE::Storage;
use Tenon::Proxy;

my ($action, $plugin, $storeid, $path, $volname, $format, $more) = @ARGV;
my $class = 'PVE::Storage::Custom::Transferred';
Tenon::Proxy->install_methods($class, $plugin, 'volume_export', 'volume_import');
my $scfg = { type => $plugin, path => $path, content => { images => 1, rootdir => 1, iso => 1 } };

if ($action eq 'export') {
    my $out;
    if (defined($more)) {
        socket($out, PF_UNIX, SOCK_STREAM, 0) or die "no socket: $!\n";
        connect($out, pack_sockaddr_un($more)) or die "cannot connect to '$more': $!\n";
    } else {
        open($out, '>&', \*STDOUT) or die "cannot copy standard output: $!\n";
        open(STDOUT, '>', '/dev/null') or die "cannot redirect standard output: $!\n";
    }
    $class->volume_export($scfg, $storeid, $out, $volname, $format, undef, undef, 0);
    close($out) or die "cannot close the stream: $!\n";
} else {
    say $class->volume_import($scfg, $storeid, \*STDIN, $volname, $format, undef, undef, 0, $more // 0);
}
