package PVE::Storage::Custom::OverlapPlugin;

# Answers with the number that a volume is named after, and counts the calls that run while another does.

use strict;
use warnings;

use Fcntl qw(O_CREAT O_EXCL O_WRONLY);
use Time::HiRes ();

use PVE::Storage;

use base qw(PVE::Storage::Plugin);

sub api { return 15 }

sub type { return 'overlap' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }

sub options { return { path => { fixed => 1 } } }

sub volume_size_info {
    my ($class, $scfg, $storeid, $volname, $timeout) = @_;

    my $busy = "$scfg->{path}/busy";
    my $alone = sysopen(my $fh, $busy, O_CREAT | O_EXCL | O_WRONLY);
    my $note = sub {
        my ($file) = @_;
        open(my $notes, '>>', "$scfg->{path}/$file") or die "$file: $!\n";
        print $notes "$volname\n";
        close($notes);
    };
    $note->($alone ? 'alone' : 'overlaps');
    Time::HiRes::sleep(0.002);
    unlink($busy) if $alone;

    my ($number) = $volname =~ m/(\d+)/;
    return ($number * 512, 'raw', $number, undef, 1767225600);
}

1;
