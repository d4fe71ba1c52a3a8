"""Lines of text in many languages and of many signs, for `benchmarks.languages`.

Pangrams that are common property, and plain sentences written for this benchmark.
"""

# ruff: noqa: RUF001

LATIN = {
    "English": [
        "The quick brown fox jumps over the lazy dog.",
        "Doors open at half past seven, please bring your ticket.",
    ],
    "German": [
        "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.",
        "Änderungen der Öffnungszeiten während der Übergangszeit, außer sonntags.",
    ],
    "French": [
        "Voix ambiguë d'un cœur qui au zéphyr préfère les jattes de kiwis.",
        "Où est l'hôtel ? À côté du théâtre, près de la forêt déjà reçue.",
    ],
    "Spanish": [
        "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío.",
        "¿Dónde está el niño? ¡Mañana habrá más información!",
    ],
    "Portuguese": [
        "À noite, vovô Kowalsky vê o ímã cair no pé do pinguim.",
        "A estação não está aberta às segundas, exceção feita às excursões.",
    ],
    "Italian": [
        "Pranzo d'acqua fa volti sghembi.",
        "Perché la città è più bella di lunedì? Così si può già uscire.",
    ],
    "Dutch": [
        "Pa's wijze lynx bezag vroom het fikse aquaduct.",
        "De coördinatie van het café en één hoge ruïne in België.",
    ],
    "Catalan": [
        "L'avi explicà què són els núvols, la pluja i la neu a l'illa.",
        "El col·legi és obert, però l'única façana és la de l'església.",
    ],
    "Danish": [
        "Høj bly gom vandt fræk sexquiz på wc.",
        "Åbningstider: lørdag og søndag er kælderen altid åben for gæster.",
    ],
    "Norwegian": [
        "Vår sære Zulu fra badeøya spilte jo whist og quickstep i min taxi.",
        "Været på fjellet blir bedre i går, og båten går først på lørdag.",
    ],
    "Swedish": [
        "Flygande bäckasiner söka hwila på mjuka tuvor.",
        "Öppet måndag till lördag; på söndagar är kaféet stängt för städning.",
    ],
    "Icelandic": [
        "Kæmi ný öxi hér, ykist þjófum nú bæði víl og ádrepa.",
        "Það er gott veður í dag og fjörðurinn er sléttur.",
    ],
    "Finnish": [
        "Törkylempijävongahdus.",
        "Älä unohda avata ikkunaa, sillä yöllä on lämmintä täällä.",
    ],
    "Estonian": [
        "Põdur Zagrebi tšellomängija-följetonist Ciqo külmetas kehvas garaažis.",
        "Õhtul sõidame järve äärde ja sööme värsket leiba.",
    ],
    "Latvian": [
        "Glāžšķūņa rūķīši dzērumā čiepj Baha koncertflīģeļu vākus.",
        "Šodien ir ļoti silts laiks, tāpēc ēdīsim ārā pie ķiršu koka.",
    ],
    "Lithuanian": [
        "Įlinkdama fechtuotojo špaga sublykčiojusi pragręžė apvalų arbūzą.",
        "Šiandien žmonės eina į turgų pirkti šviežių obuolių ir ąžuolų gilių.",
    ],
    "Polish": [
        "Pchnąć w tę łódź jeża lub ośm skrzyń fig.",
        "Zażółć gęślą jaźń; proszę zamknąć drzwi po dziesiątej wieczór.",
    ],
    "Czech": [
        "Příliš žluťoučký kůň úpěl ďábelské ódy.",
        "Dveře zavřete, ať sem nefouká; děti už spí v přízemí.",
    ],
    "Slovak": [
        "Kŕdeľ šťastných ďatľov učí pri ústí Váhu mĺkveho koňa obhrýzať kôru.",
        "Otváracie hodiny: každý deň okrem štátnych sviatkov, tešíme sa.",
    ],
    "Slovenian": [
        "V kožuščku hudobnega fanta stopiclja mizar.",
        "Čez cesto stoji stara hiša, kjer žena peče češnjev zavitek.",
    ],
    "Croatian": [
        "Gojazni đačić s biciklom drži hmelj i finu vatu u džepu nošnje.",
        "Šetnja uz more počinje u osam, a večera poslije koncerta.",
    ],
    "Hungarian": [
        "Árvíztűrő tükörfúrógép.",
        "Öt hűtőházból kértünk színhúst; a bejárat a főtér felől nyílik.",
    ],
    "Romanian": [
        "Gheorghe, obezul, a reușit să obțină jucându-se un flux de apă.",
        "Astăzi începe târgul și în piață se vând mere, brânză și pâine.",
    ],
    "Turkish": [
        "Pijamalı hasta yağız şoföre çabucak güvendi.",
        "İstanbul'da öğleden sonra güneşli, akşam ılık bir rüzgâr.",
    ],
    "Irish": [
        "D'fhuascail Íosa Úrmhac na hÓighe Beannaithe pór Éava agus Ádhaimh.",
        "Tá fáilte romhat isteach sa teach, a chara, agus bí ar do shuaimhneas.",
    ],
    "Welsh": [
        "Parciais fy jac codi baw hud llawn dŵr ger tŷ Mabon.",
        "Mae'r môr yn las heddiw ac mae'r plant yn canu yn yr ysgol.",
    ],
    "Vietnamese": [
        "Do bạch kim rất quý nên sẽ dùng để lắp vô xương.",
        "Nhà hàng mở cửa từ sáng đến tối, trừ ngày lễ và chủ nhật.",
    ],
}
"""Languages in Latin letters, with two lines each."""

SIGNS = {
    "quotes": ["„Haus“ und “house” ou «maison» og »hus«", "it’s ‘fine’ and ‚gut‘"],
    "dashes": ["1990–1999 — a pause … and more", "10 − 3 = 7 · over-all"],
    "fractions": ["½ cup, ¼ pound, ¾ inch", "add ½ of it and ¾ more"],
    "super- and subscripts": ["x² + y³ in 10⁶ m²", "H₂O and CO₂ with n⁴"],
    "currencies": ["€ 20, £ 15, ¥ 900, ₹ 450", "5¢ each or €3.50 for £2"],
    "marks": ["Acme™ and Brand® © 2024", "20 °C, 5 µm, 3 ‰, § 12, ¶ 3", "note† and also‡ here"],
    "bullets and arrows": ["• first • second ■ third", "back ← → next ↑ up ↓ down"],
    "check boxes": ["☐ open ☑ done ☒ never", "✓ yes ✔ sure ✗ no"],
    "mathematics": ["a ≤ b ≥ c ≠ d ± e × f ÷ g", "√2 ≈ 1.41, ∞ > ∑ xy"],
    "single signs": list("„“”«»‘’–—…½¼¾²³€£¥₹¢‰™®©°µ§¶†‡•■→←↑↓☐☑☒✓✔✗≤≥≠±×÷√≈∞∑"),
}
"""Kinds of signs, among words and each alone."""

SCRIPTS = {
    "Greek, no accents": ["ΞΕΣΚΕΠΑΖΩ ΤΗΝ ΨΥΧΟΦΘΟΡΑ ΒΔΕΛΥΓΜΙΑ", "ΑΝΟΙΚΤΑ ΚΑΘΕ ΜΕΡΑ"],
    "Greek": ["Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.", "Το μουσείο είναι ανοιχτό κάθε μέρα."],
    "Russian": [
        "Съешь ещё этих мягких французских булок, да выпей чаю.",
        "Музей открыт каждый день, кроме вторника.",
    ],
    "Ukrainian": ["Чуєш їх, доцю, га? Кумедна ж ти, прощайся без ґольфів!"],
    "Bulgarian": ["Жълтата дюля беше щастлива, че пухът замръзна като гьон."],
    "Serbian": ["Љубазни фењерџија чађавог лица хоће да ми покаже штос."],
    "Chinese": ["今天天气很好我们去公园散步", "图书馆每天上午九点开门"],
    "Chinese, traditional": ["今天天氣很好我們去公園散步", "圖書館每天上午九點開門"],
    "Japanese": ["いろはにほへとちりぬるを", "図書館は毎日午前九時に開きます"],
    "Korean": ["키스의 고유조건은 입술끼리 만나야 하고", "도서관은 매일 아침 아홉 시에 엽니다"],
    "Thai": ["เป็นมนุษย์สุดประเสริฐเลิศคุณค่า", "ห้องสมุดเปิดทุกวัน"],
    "Arabic": ["نص حكيم له سر قاطع وذو شأن عظيم", "المكتبة مفتوحة كل يوم"],
    "Hebrew": ["דג סקרן שט בים מאוכזב ולפתע מצא חברה", "הספרייה פתוחה כל יום"],
    "Hindi": ["पुस्तकालय हर दिन सुबह नौ बजे खुलता है", "आज मौसम बहुत अच्छा है"],
    "Georgian": ["ბიბლიოთეკა ყოველდღე ღიაა"],
    "Armenian": ["Գրադարանը բաց է ամեն օր"],
}
"""Languages in other scripts."""
