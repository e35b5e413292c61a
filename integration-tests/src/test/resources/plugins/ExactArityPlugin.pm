package PVE::Storage::Custom::ExactArityPlugin;

# Of an API level that the test puts in, and strict about the number of its arguments.

use strict;
use warnings;

use PVE::Storage;

use base qw(PVE::Storage::Plugin);

sub api { return __LEVEL__ }

sub type { return 'exact' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }

sub options { return { path => { fixed => 1 } } }

my $exactly = sub {
    my ($count, @args) = @_;
    die "takes exactly $count arguments, got " . (@args - 1) . "\n" if @args != $count + 1;
};

sub activate_volume {
    $exactly->(api() < 13 ? 5 : 6, @_);
    my ($class, $storeid, $scfg, $volname, $snapname, $cache, $hints) = @_;
    open(my $fh, '>', $scfg->{notes}) or die "$scfg->{notes}: $!\n";
    print $fh join(' ', scalar(@_) - 1, ref($cache), map { "$_=$hints->{$_}" } sort keys %{ $hints // {} }), "\n";
    close($fh);
    return;
}

sub deactivate_volume {
    $exactly->(5, @_);
    return;
}

sub volume_size_info {
    $exactly->(4, @_);
    return (1024, 'raw', 0, undef, 1);
}

sub status {
    $exactly->(3, @_);
    return (3, 2, 1, 1);
}

1;
