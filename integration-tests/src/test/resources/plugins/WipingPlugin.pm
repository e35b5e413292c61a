package PVE::Storage::Custom::WipingPlugin;

# Leaves the wiping of a freed volume for later, as PVE's LVM does.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

sub api { return 13 }

sub type { return 'wiping' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }

sub options { return { path => { fixed => 1 } } }

my $note = sub {
    my ($scfg, $text) = @_;
    open(my $fh, '>>', $scfg->{notes}) or die "$scfg->{notes}: $!\n";
    print $fh "$text\n";
    close($fh);
};

sub free_image {
    my ($class, $storeid, $scfg, $volname) = @_;
    $note->($scfg, 'freed');
    return sub { $note->($scfg, "wiped $volname") };
}

1;
